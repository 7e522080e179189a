"""Reading files and arrays into typed columns."""
