"""What maintains the repository and shows the product; none of it ships in the package."""
