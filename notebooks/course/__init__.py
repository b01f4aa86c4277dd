"""What a teacher needs: editions for learners and teachers, slides, the guide, the glossary."""
