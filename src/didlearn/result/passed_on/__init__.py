"""Results as people pass them on: a line, a notebook's cell, a frame, JUnit, a scorecard in Markdown, a history."""
