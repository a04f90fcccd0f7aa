"""Which uncertain numbers matter: designs of points, what each factor explains, and how much chance does."""
