namespace Relay.Rendezvous;

/// <summary>Rows kept, expired ones included until they are removed, and live matches and dead drops handed out so far.</summary>
internal readonly record struct RendezvousCounts(long DailyPoints, long HourlyTokens, long MatchesFound, long DropsDelivered);
