"""What people change: tags, notes, visibility, duplicates, people, knowledge; and its history."""
