"""The messages between the controller and a child."""
