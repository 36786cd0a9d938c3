"""What the course's code costs, measured; nothing here passes or fails."""
