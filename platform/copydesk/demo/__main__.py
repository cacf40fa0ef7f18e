"""`python -m copydesk.demo`: the traders' program (also `copydesk demo traders`)."""

from copydesk.demo.program import traders

if __name__ == "__main__":
    traders()
