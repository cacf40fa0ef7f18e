import sys
import time

sys.path.insert(0, "/work/main/tests/web")
import pytest
from copydesk.replication.desk import recent_signals, signal_detail, signal_receipt
from copydesk.replication.leaderboard import equity_curve, strategy_cards, strategy_page
from site_seed import *
from sqlalchemy import text


def test_speed(database_url):
    s = seed(database_url); t = s.tenant_ids["aurora"]
    db = Database.connect(database_url)
    with db.tenant(t) as session:
        sid = session.execute(text("select id from strategy")).scalar()
        session.execute(text("""insert into account (tenant_id,user_id,venue,environment,label,shard) select :t,(select min(id) from user_account),'binance','lab','x','s' from generate_series(1,1000)"""), {"t": t})
        session.execute(text("""insert into subscription (tenant_id,strategy_id,account_id,allocation,sizing_mode) select :t,:s,id,500,'equity_ratio' from account where label='x'"""), {"t": t,"s":sid})
        session.execute(text("""insert into signal (tenant_id,strategy_id,account_id,symbol,side,venue_order_id,cum_qty,qty,px,position_before,position_after,leader_equity,venue_at,seen_at) select tenant_id,strategy_id,account_id,symbol,side,'n'||n,cum_qty,qty,px,0,1,1,now(),now() from signal, generate_series(1,300) n"""))
        session.execute(text("""insert into copy (tenant_id,subscription_id,signal_id,account_id,shard,leg,symbol,side,type,qty,px,reduces,client_order_id,status,reason,reason_facts,epoch,cum_qty,avg_px,planned_at,sent_at,acked_at)
          select :t, s.id, g.id, s.account_id,'s','open','BTC/USDT','buy','limit',1,64000,false,'c'||s.id||'-'||g.id, case when s.id%10=0 then 'denied' else 'filled' end, case when s.id%10=0 then 'below_notional_min' end, '{}', 1, case when s.id%10=0 then 0 else 1 end, 64001, now(),now(),now()+ interval '80 ms' from subscription s, signal g where g.venue_order_id like 'n%'"""),{"t":t})
        session.execute(text("""insert into equity_point (tenant_id,strategy_id,at,equity) select :t,:s, cast(:now as timestamptz) - n*interval '5 s', 100+sin(n/1000.0)*10 from generate_series(1,100000) n"""),{"t":t,"s":sid,"now":NOW - timedelta(days=10)})
    with psycopg_analyze(database_url) if False else db.tenant(t) as session:
        for name, f in {"recent30": lambda: recent_signals(session, limit=30), "one": lambda: signal_receipt(session, 50), "detail": lambda: signal_detail(session, 50), "cards": lambda: strategy_cards(session, now=NOW), "page": lambda: strategy_page(session,"dawn",now=NOW), "curve": lambda: equity_curve(session,"dawn",now=NOW)}.items():
            times=[]
            for _ in range(4):
                a=time.perf_counter(); f(); times.append((time.perf_counter()-a)*1000)
            print(name, [round(x,1) for x in times])
    db.dispose()
