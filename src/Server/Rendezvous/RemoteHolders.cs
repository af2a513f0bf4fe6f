using System.Collections.Concurrent;
using System.Globalization;
using Relay.Addresses;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;
using Relay.Storage;

namespace Relay.Rendezvous;

/// <summary>
/// Holders of tokens that are connected to other relays of the cluster. The database knows whose a token is by the number of a start of a relay,
/// and each relay listens to a subject of its number: of a relay that is no more, nobody answers.
/// </summary>
internal sealed class RemoteHolders(
    ClusterOptions cluster, ClusterSubjects subjects, ClusterBus bus, ClusterNodes nodes, Database database, ClientDirectory clients) : IHostedService
{
    private const int MaxHolders = 1_000;

    // Which start of a node has answered for which number: one that is silent is not waited for again and again.
    private readonly ConcurrentDictionary<long, ulong> _epochs = [];

    public async Task StartAsync(CancellationToken cancellationToken) => await bus.SubscribeAsync(Subject(database.Start), Receive);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Those of the tokens whose holders are connected to other relays now.</summary>
    public async Task<HashSet<HeldToken>> FindAsync(IReadOnlyList<HeldToken> tokens)
    {
        if (!cluster.IsOn || tokens.All(token => token.Start == 0))
        {
            return [];
        }

        var asked = tokens.Where(token => token.Start != 0).GroupBy(token => token.Start).Where(relay => MayBeHere(relay.Key));
        var found = await Task.WhenAll(asked.Select(relay => AskAsync(relay.Key, [.. relay.Take(MaxHolders)])));
        return [.. found.SelectMany(here => here)];
    }

    /// <summary>Each holder hears once of the peer that has found it.</summary>
    /// <param name="address">What the finder's address counts by.</param>
    public void Tell(IReadOnlyList<HeldToken> tokens, LiveMatch finder, in IpKey address)
    {
        foreach (var relay in tokens.GroupBy(token => token.Start))
        {
            bus.TrySend(Subject(relay.Key), new Envelope
            {
                RendezvousMatched = new RendezvousMatched
                {
                    Holders = { relay.Select(ToMessage) },
                    PeerId = finder.PeerId,
                    RelayId = finder.RelayId,
                    Address = ClientAddresses.ToMessage(address),
                },
            });
        }
    }

    private bool MayBeHere(long start) => !_epochs.TryGetValue(start, out var epoch) || nodes.IsHere(epoch);

    private async Task<IEnumerable<HeldToken>> AskAsync(long start, List<HeldToken> tokens)
    {
        var answer = await bus.AskAsync(Subject(start), new Envelope { RendezvousQuestion = new RendezvousQuestion { Holders = { tokens.Select(ToMessage) } } });
        if (answer.Message is not { RendezvousAnswer: { } here, Epoch: var epoch })
        {
            return [];
        }

        if (_epochs.Count >= ClusterNodes.MaxNodes)
        {
            _epochs.Clear();
        }

        _epochs[start] = epoch;
        return here.Here.Where(place => place < tokens.Count).Select(place => tokens[(int)place]);
    }

    // Where NATS' connection is read.
    private void Receive(ClusterMessage message)
    {
        if (message.Envelope.RendezvousQuestion is { Holders.Count: <= MaxHolders } question)
        {
            var here = Enumerable.Range(0, question.Holders.Count).Where(place => Find(question.Holders[place]) is not null).Select(place => (uint)place);
            bus.Reply(message, new Envelope { RendezvousAnswer = new RendezvousAnswer { Here = { here } } });
        }
        else if (message.Envelope.RendezvousMatched is { Holders.Count: <= MaxHolders, RelayId.Length: <= RendezvousRequest.MaxText } matched
            && PeerId.IsValid(matched.PeerId) && ClientAddresses.TryRead(matched.Address, out var address))
        {
            foreach (var client in matched.Holders.Select(Find).OfType<Client>().Distinct())
            {
                client.Pass(
                    MessageWriter.Write(new RendezvousMatch(new LiveMatch(matched.PeerId, matched.RelayId)), ServerJson.Default.RendezvousMatch), address);
            }
        }
        else
        {
            bus.Refuse(message);
        }
    }

    private Client? Find(TokenHolder holder) => clients.Find(holder.PeerId, holder.Session) is { HoldsTokens: true } client ? client : null;

    private string Subject(long start) => subjects.Holder("start", start.ToString(CultureInfo.InvariantCulture));

    private static TokenHolder ToMessage(HeldToken token) => new() { PeerId = token.PeerId, Session = token.Owner };
}
