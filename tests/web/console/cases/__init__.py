"""The pages of cases at third parties."""
