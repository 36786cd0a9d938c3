"""What the course's code is compared with: the same models and pictures, by other packages."""
