"""What exploring a scenario is made of: points of its parameters on the same people, designs, selections."""
