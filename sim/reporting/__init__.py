"""The page of a run: one HTML file with pictures, the tables behind them, and where they come from."""
