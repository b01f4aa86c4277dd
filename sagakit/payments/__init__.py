"""The payment system that is taught: its services and events. It knows no world."""
