"""What is taught: the payment system, its services and events. It knows no world."""
