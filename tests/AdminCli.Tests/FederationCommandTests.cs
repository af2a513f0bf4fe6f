using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AdminCli;
using Relay.AdminCli.Commands;

namespace AdminCli.Tests;

public sealed class FederationCommandTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(1);

    [Fact]
    public void Members_OwnAndOthers_AreToldApart()
    {
        var response = new ListMembersResponse
        {
            IsOn = true,
            Members =
            {
                new Member { ServerId = "ed25519:own", Self = true, State = "alive", Owner = true, Endpoint = "wss://own.example" },
                new Member
                {
                    ServerId = "ed25519:other", State = "failed", Incarnation = 3, Endpoint = "wss://x\e[2J", RoundTrip = TimeSpan.FromMilliseconds(12.34).ToDuration(),
                    LastHeard = Now.AddSeconds(-90).ToTimestamp(), EndpointDenial = "10.0.0.1 is no public address",
                },
            },
        };

        var lines = Lines(output => FederationCommand.Show(output, response, Now));

        Assert.Equal(3, lines.Length);
        Assert.Equal(["ed25519:own*", "alive", "-", "yes", "-", "never"], Words(lines[1])[..6]);
        Assert.Equal(["ed25519:other", "failed", "no", "no", "12.3ms"], Words(lines[2])[..5]);
        Assert.EndsWith("10.0.0.1 is no public address", lines[2], StringComparison.Ordinal);
        Assert.DoesNotContain('\e', lines[2]);
    }

    [Fact]
    public void Members_FederationOff_SaysHowToSwitchItOn() =>
        Assert.Contains("Federation:Admit", Lines(output => FederationCommand.Show(output, new ListMembersResponse { Members = { new Member { Self = true } } }, Now))[0], StringComparison.Ordinal);

    [Fact]
    public void Ring_Shares_ArePercent()
    {
        var lines = Lines(output => FederationCommand.Show(output, new GetRingResponse
        {
            ReplicationFactor = 3,
            VirtualNodes = 150,
            Owners = { new RingOwner { ServerId = "a", Self = true, Share = 0.625, Endpoint = "wss://a.example" } },
        }));

        Assert.Equal(["a*", "62.5%", "wss://a.example"], Words(lines[^1]));
    }

    [Fact]
    public void Owner_OfAnother_SaysWhereClientsGo()
    {
        var text = string.Join('\n', Lines(output => FederationCommand.Show(output, new GetOwnerResponse
        {
            Owners = { new RingOwner { ServerId = "b", Endpoint = "wss://b.example" }, new RingOwner { ServerId = "a", Self = true, Endpoint = "wss://a.example" } },
            Local = true,
            CodeRedirect = "wss://b.example",
        })));

        Assert.Contains("are redirected to wss://b.example", text, StringComparison.Ordinal);
        Assert.Contains("stay here", text, StringComparison.Ordinal);
        Assert.Contains("a*", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Peers_WithoutALink_SayWhy()
    {
        var lines = Lines(output => PeersCommand.Show(output, new ListPeersResponse
        {
            Unlinked =
            {
                new UnlinkedPeer { Endpoint = "wss://a.example", Origin = "configured", Failures = 3, Wait = TimeSpan.FromSeconds(7).ToDuration(), LastWords = "it closed with 1008: Server not listed" },
                new UnlinkedPeer { ServerId = "ed25519:b", Endpoint = "wss://b.example", Origin = "known", Blocked = true },
            },
        }, Now));

        Assert.EndsWith("it closed with 1008: Server not listed", lines[1], StringComparison.Ordinal);
        Assert.Equal(["-", "out", "in", "7s", "wss://a.example"], Words(lines[1])[..5]);
        Assert.Equal(["ed25519:b", "out", "blocked"], Words(lines[2])[..3]);
    }

    private static string[] Lines(Action<Output> show) =>
        OutputTests.Table(Terminal.None, OutputFormat.Table, show).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
