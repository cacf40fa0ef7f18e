"""What strategies and subscriptions earned: equity, figures, ranking and what pages read of them.

Owns the tables of points and figures, all of which can be made again from raw rows, and the reads of leaderboard,
strategy page and comparison. Decides nothing about orders.
"""
