"""Tools for a teacher: editions for learners and teachers, the guide, the glossary."""
