"""What a teacher needs: editions for learners and teachers, the guide, the glossary."""
