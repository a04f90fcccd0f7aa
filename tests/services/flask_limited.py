"""A claim counted by Flask-Limiter: so many a year and intake, in its memory, its headers switched on."""

from flask import Flask, request
from flask_limiter import Limiter

from tests.services.serving import options, serve

told = options(__doc__)
app = Flask(__name__)
limiter = Limiter(
    lambda: str(request.view_args and request.view_args["intake"]),
    app=app,
    headers_enabled=True,
    storage_uri="memory://",
)
shared = limiter.shared_limit(f"{told.cap} per year", scope="claims")


@app.post("/<intake>/claim")
@shared
def claim(intake: str) -> str:
    """Whoever gets past the limiter has a slot; the answer is plain text."""
    return f"{request.form['applicant']} has a slot of {intake}\n"


@app.get("/<intake>")
@limiter.shared_limit(f"{told.cap} per year", scope="claims", cost=lambda: 0)
def left(intake: str) -> str:
    """Costs nothing, and bears the limiter's headers."""
    return f"see the headers for {intake}\n"


if __name__ == "__main__":
    serve(app, told.port)
