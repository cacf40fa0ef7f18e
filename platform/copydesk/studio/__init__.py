"""A trader's side of a strategy: the application, its terms and review, what is announced, and who watches it.

Owns the tables of terms, announcements, invitations and watches, and reads of replication for the trader's own pages:
how signals fanned out, followers in aggregate, capacity and earnings. Never names a follower, and decides nothing about
orders: what replication enforces of the terms it reads itself (`replication.room`).
"""
