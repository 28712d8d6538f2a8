"""A comparison as one HTML file, a contact sheet, and tables."""
