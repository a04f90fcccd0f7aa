"""What clashes in a history that no order explains: said in a sentence, made small, and drawn."""
