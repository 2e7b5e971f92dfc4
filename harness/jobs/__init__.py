"""What passes between the controller and a child."""
