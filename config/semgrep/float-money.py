from decimal import Decimal


def sums(order, text, seconds):
    # ruleid: money-as-float
    worth = float(order.notional)
    # ruleid: money-as-float
    px = float(order.avg_px)
    # ruleid: money-as-float
    total = float(order.qty * order.px)
    # ok: money-as-float
    wait = float(seconds)
    # ruleid: decimal-of-a-float
    fee = Decimal(0.1)
    # ruleid: decimal-of-a-float
    other = Decimal(float(text))
    # ok: decimal-of-a-float
    right = Decimal("0.1") + Decimal(1)
    # ok: decimal-of-a-float
    half = Decimal("0.5")
    return worth, px, total, wait, fee, other, right, half


class Row:
    # ruleid: money-column-as-float
    balance: Mapped[float] = mapped_column(Float)
    # ok: money-column-as-float
    equity: Mapped[Amount] = mapped_column()
