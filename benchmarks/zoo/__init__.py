"""Networks that others trained, taken as they are: accepted, exact, measured."""
