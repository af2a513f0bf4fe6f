using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Relay.Admin;
using Relay.AdminApi;
using Relay.Federation;
using Relay.Federation.Gossip;
using Relay.Identity;
using Relay.Telemetry;

namespace Relay.Http;

/// <summary>What the admin page of the reference server is sent, and what it may ask for. Encoded once for all.</summary>
internal sealed class AdminFeedMessages(ServerSnapshot snapshot, PeerGossip gossip, ServerIdentity identity, RelayMetrics metrics, TimeProvider time)
{
    private const string OwnRegion = "local";

    private readonly MessageRate _rate = new(metrics, time);
    private readonly Lock _lock = new();

    // Guarded by _lock: as they were sent last.
    private byte[] _metrics = [];
    private byte[] _federation = [];
    private FeedLoad _load;

    /// <summary>Every second, also while nobody watches: a rate needs a past.</summary>
    public void Count() => _rate.Count();

    /// <summary>For a page that has just come.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Greeting()
    {
        lock (_lock)
        {
            _metrics = Metrics(snapshot.Read());
            _federation = Federation();
            return [_metrics, _federation];
        }
    }

    /// <summary>For all that are there: the metrics, and what has changed since the last time.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> News()
    {
        lock (_lock)
        {
            var stats = snapshot.Read();
            List<ReadOnlyMemory<byte>> news = [_metrics = Metrics(stats)];
            var federation = Federation();
            if (!federation.AsSpan().SequenceEqual(_federation))
            {
                news.Add(_federation = federation);
            }

            var load = FeedLoad.Of(stats);
            if (load.Level != _load.Level && load.Level != FeedLoad.Normal)
            {
                news.Add(Bytes("alert", new FeedAlertData(load.Level == FeedLoad.Critical ? "error" : "warning", load.Message), AdminFeedJson.Default.Alert));
            }

            _load = load;
            return news;
        }
    }

    /// <summary>The answer to a page's message; null: it is none of those that have one.</summary>
    public byte[]? AnswerTo(ReadOnlySpan<byte> message)
    {
        var type = TypeOf(message);
        lock (_lock)
        {
            return type switch
            {
                "ping" => _metrics,
                "get_topology" => _federation,
                _ => null,
            };
        }
    }

    private static string? TypeOf(ReadOnlySpan<byte> message)
    {
        try
        {
            return JsonSerializer.Deserialize(message, AdminFeedJson.Default.FeedRequest)?.Type;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static byte[] Bytes<T>(string type, T data, JsonTypeInfo<FeedMessage<T>> json) => JsonSerializer.SerializeToUtf8Bytes(new FeedMessage<T>(type, data), json);

    private byte[] Metrics(Stats stats)
    {
        // The relay itself is a member of what it knows.
        var members = gossip.Members();
        var regions = members.Select(member => member.Region.Length > 0 ? member.Region : "unknown").Prepend(OwnRegion).CountBy(region => region).ToDictionary();
        var (perSecond, perMinute) = _rate.Last;
        return Bytes(
            "metrics",
            new FeedMetricsData(
                stats.Time.ToDateTimeOffset().ToUnixTimeMilliseconds(),
                new FeedConnections(stats.Connections.Current + stats.Connections.Uncounted, stats.Connections.Relay, stats.Connections.Signaling),
                new FeedEntropy(stats.Pairing.ActiveCodes, stats.Pairing.PeakActiveCodes, stats.Pairing.CollisionRisk, stats.Pairing.CollisionsTotal),
                new FeedMembers(
                    1 + members.Count(member => member.State == MemberState.Alive),
                    members.Count(member => member.State == MemberState.Suspect),
                    1 + members.Count,
                    regions),
                new FeedRate(perSecond, perMinute)),
            AdminFeedJson.Default.Metrics);
    }

    private byte[] Federation()
    {
        var members = gossip.Members();
        var own = new FeedNode(identity.ServerId, OwnRegion, MemberState.Alive.Name(), true);
        return Bytes(
            "federation",
            new FeedFederationData(
                [own, .. members.Select(member => new FeedNode(member.ServerId, member.Region, member.State.Name(), false))],
                [.. members.Where(member => member.Link is not null).Select(member => new FeedEdge(identity.ServerId, member.ServerId))]),
            AdminFeedJson.Default.Federation);
    }
}
