"""The fields of Bybit's objects with their JSON types, as the v5 documentation's tables list them (July 2026).

`type(value)` of each leaf: str, int, bool, dict or list. Fields that the tables strike out or that belong to other
products (options, inverse contracts) are left out.
"""

from __future__ import annotations

Fields = dict[str, type]


def fields(strings: str, integers: str = "", booleans: str = "", objects: str = "", lists: str = "") -> Fields:
    kinds = ((str, strings), (int, integers), (bool, booleans), (dict, objects), (list, lists))
    return {name: kind for kind, names in kinds for name in names.split()}


# order/open-order, order/order-list
ORDER = fields(
    "orderId orderLinkId parentOrderLinkId blockTradeId symbol price qty side isLeverage orderStatus cancelType "
    "rejectReason avgPrice leavesQty leavesValue cumExecQty cumExecValue cumExecFee timeInForce orderType "
    "stopOrderType orderIv marketUnit triggerPrice takeProfit stopLoss ocoTriggerBy tpLimitPrice slLimitPrice "
    "tpTriggerBy slTriggerBy triggerBy placeType smpType smpOrderId createdTime updatedTime slippageToleranceType "
    "slippageTolerance extraFees rpiMatchedQty",
    "positionIdx triggerDirection smpGroup",
    "reduceOnly closeOnTrigger rpiTakerAccess",
    "cumFeeDetail",
)
LINEAR_ORDER = ORDER | fields("createType tpslMode lastPriceOnCreated")
SPOT_ORDER = ORDER | fields("basePrice")
# websocket/private/order
STREAM_ORDER = fields("category closedPnl feeCurrency")
# order/execution
EXECUTION = fields(
    "symbol orderId orderLinkId side orderPrice orderQty leavesQty orderType stopOrderType execFee execFeeV2 execId "
    "execPrice execQty execType execValue execTime feeCurrency feeRate tradeIv markIv markPrice indexPrice "
    "underlyingPrice blockTradeId closedSize extraFees",
    "seq",
    "isMaker",
)
LINEAR_EXECUTION = EXECUTION | fields("createType")
# websocket/private/execution
STREAM_EXECUTION = fields("category isLeverage execPnl marketUnit", lists="extraFees")
# position/position
POSITION = fields(
    "riskLimitValue symbol side size positionValue positionStatus leverage breakEvenPrice markPrice liqPrice "
    "positionIM positionIMByMp positionMM positionMMByMp takeProfit stopLoss trailingStop sessionAvgPrice delta gamma "
    "vega theta unrealisedPnl curRealisedPnl cumRealisedPnl createdTime updatedTime mmrSysUpdatedTime "
    "leverageSysUpdatedTime tpslMode bustPrice positionBalance",
    "positionIdx riskId autoAddMargin adlRankIndicator openTime tradeMode seq",
    "isReduceOnly",
)
REST_POSITION = POSITION | fields("avgPrice")
# websocket/private/position
STREAM_POSITION = POSITION | fields("category entryPrice")
# account/wallet-balance, websocket/private/wallet
WALLET = fields(
    "accountType accountIMRate accountMMRate totalEquity totalWalletBalance totalMarginBalance totalAvailableBalance "
    "totalPerpUPL totalInitialMargin totalMaintenanceMargin accountIMRateByMp accountMMRateByMp "
    "totalInitialMarginByMp totalMaintenanceMarginByMp accountLTV",
    lists="coin",
)
COIN = fields(
    "coin equity usdValue walletBalance locked spotHedgingQty borrowAmount accruedInterest totalOrderIM "
    "totalPositionIM totalPositionMM unrealisedPnl cumRealisedPnl bonus colRes spotBorrow availableToWithdraw "
    "availableToBorrow",
    booleans="marginCollateral collateralSwitch",
)
# market/instrument
LINEAR_INSTRUMENT = fields(
    "symbol contractType status baseCoin quoteCoin symbolType launchTime deliveryTime deliveryFeeRate priceScale "
    "settleCoin copyTrading upperFundingRate lowerFundingRate displayName",
    "symbolId fundingInterval",
    "unifiedMarginTrade isPreListing forbidUplWithdrawal",
    "leverageFilter priceFilter lotSizeFilter riskParameters",
)
SPOT_INSTRUMENT = fields(
    "symbol baseCoin quoteCoin innovation symbolType xstockMultiplier status marginTrading stTag",
    "symbolId",
    objects="lotSizeFilter priceFilter riskParameters",
)
# market/tickers
SPOT_TICKER = fields(
    "symbol bid1Price bid1Size ask1Price ask1Size lastPrice prevPrice24h price24hPcnt highPrice24h lowPrice24h "
    "turnover24h volume24h usdIndexPrice"
)
LINEAR_TICKER = fields(
    "symbol lastPrice indexPrice markPrice prevPrice24h price24hPcnt highPrice24h lowPrice24h prevPrice1h "
    "openInterest openInterestValue turnover24h volume24h fundingRate nextFundingTime predictedDeliveryPrice "
    "basisRate deliveryFeeRate deliveryTime ask1Size bid1Price ask1Price bid1Size basis preOpenPrice preQty "
    "curPreListingPhase fundingIntervalHour basisRateYear fundingCap"
)
# market/recent-trade, websocket/public/trade, websocket/public/kline
TRADE = fields("execId symbol price size side time seq", booleans="isBlockTrade isRPITrade")
STREAM_TRADE = fields("s S v p L i", "T seq", "BT RPI")
STREAM_CANDLE = fields("interval open close high low volume turnover", "start end timestamp", "confirm")
# user/apikey-info
API_KEY = fields(
    "id note apiKey secret expiredAt createdAt vipLevel mktMakerLevel rsaPublicKey parentUid kycLevel kycRegion",
    "readOnly type deadlineDay unified uta userID inviterID affiliateID",
    "isMaster",
    "permissions",
    "ips",
)
PERMISSIONS = [
    "ContractTrade",
    "Spot",
    "Wallet",
    "Options",
    "Derivatives",
    "Exchange",
    "Earn",
    "FiatP2P",
    "FiatBitPay",
    "FiatConvertBroker",
    "BitCard",
    "ByXPost",
    "Affiliate",
    "BlockTrade",
    "NFT",
    "CopyTrading",
]
