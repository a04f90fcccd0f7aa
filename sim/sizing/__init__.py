"""How large: officers for a service level, the busiest moments at the portal, the backlog over time."""
