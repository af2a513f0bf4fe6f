using CsCheck;
using Relay.Addresses;
using Relay.Admission;
using Relay.Cluster.V1;

namespace Server.Tests.Admission;

/// <summary>Three nodes on a bus that takes its time, and clients who come and go at any of them.</summary>
public sealed class ClusterLimitProperties
{
    private const int Nodes = 3;
    private const int PerIp = 6;
    private const int Per24 = 12;
    private const int ClusterTotal = 16;
    private const int Keys = 5;
    private const int Steps = 400;

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    // In steps.
    private static readonly int Interval = (int)(ClusterCounts.Interval / Step);
    private const int MaxDelay = 5;

    /// <summary>
    /// What the nodes hold together of an address, a network, and in total, exceeds the limit at most by those who came to the other nodes within one
    /// interval and the time that a message takes.
    /// </summary>
    [Fact]
    public void Limits_RandomArrivals_AreExceededByArrivalsOfOneIntervalAtMost()
    {
        var overshoots = 0;
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 10]).Sample(
            (seed, pressure) =>
            {
                var run = new Run(new Random(seed), pressure);
                for (var step = 0; step < Steps; step++)
                {
                    run.Next();
                }

                run.Settle();
                Interlocked.Add(ref overshoots, run.Overshoots);
            },
            iter: 60);

        // Else nothing was tried.
        Assert.True(overshoots > 0);
    }

    // Three in one /24, two in another.
    private static IpKey Address(int key) => Books.Key(100 * key);

    private static int Network(int key) => 100 * key / 256;

    private sealed class Run(Random random, int pressure)
    {
        private readonly Node[] _nodes = [.. Enumerable.Range(0, Nodes).Select(number => new Node(number))];
        private readonly List<(int Step, int Node, int Key)> _arrivals = [];
        private readonly List<(int Node, int Key, AdmissionLease Lease)> _clients = [];
        private int _step;

        public int Overshoots { get; private set; }

        public void Next()
        {
            _step++;
            Array.ForEach(_nodes, node => node.Books.Time.Advance(Step));
            foreach (var node in _nodes)
            {
                node.Hear(_step);
                if ((_step + (node.Number * 3)) % Interval == 0)
                {
                    Tell(node);
                }
            }

            for (var i = random.Next(pressure + 1); i > 0; i--)
            {
                Arrive(_nodes[random.Next(Nodes)], random.Next(Keys));
            }

            for (var i = random.Next(1 + (pressure / 2)); i > 0 && _clients.Count > 0; i--)
            {
                Leave(random.Next(_clients.Count));
            }
        }

        /// <summary>Nobody comes any more: all know what all hold, and nothing is left when the last has gone.</summary>
        public void Settle()
        {
            Wait();
            foreach (var node in _nodes)
            {
                for (var key = 0; key < Keys; key++)
                {
                    Assert.Equal(_clients.Count(client => client.Node != node.Number && client.Key == key), node.Books.Remote!.Of(Address(key)).Key);
                }

                Assert.Equal(_clients.Count(client => client.Node != node.Number), node.Books.Remote!.Total);
                Assert.Equal(_clients.Count(client => client.Node != node.Number && Network(client.Key) == 0), node.Books.Remote!.Of(Address(0)).Near);
            }

            while (_clients.Count > 0)
            {
                Leave(0);
            }

            Wait();
            Assert.All(_nodes, node => Assert.Equal((0, 0), (node.Books.Remote!.Total, node.Books.Remote!.Keys)));
        }

        private void Wait()
        {
            for (var i = 0; i < Interval + MaxDelay + 1; i++)
            {
                _step++;
                foreach (var node in _nodes)
                {
                    node.Hear(_step);
                    if (i == 0)
                    {
                        Tell(node);
                    }
                }
            }
        }

        private void Tell(Node node)
        {
            List<Counts> messages = [.. node.Publisher.Changes(always: random.Next(2) == 0)];
            if (random.Next(20) == 0)
            {
                messages.AddRange(node.Publisher.All());
            }

            foreach (var other in _nodes.Where(other => other != node))
            {
                other.Inbox[node.Number].AddRange(messages.Select(message => (_step + random.Next(MaxDelay + 1), message)));
            }
        }

        private void Arrive(Node node, int key)
        {
            if (node.Books.Ledger.TryAcquire(Address(key), node.Books.Time.GetTimestamp(), out var lease).Refusal != Refusal.None)
            {
                return;
            }

            _clients.Add((node.Number, key, lease));
            var lately = _arrivals.Where(one => one.Node != node.Number && one.Step >= _step - Interval - MaxDelay).ToList();
            Check(_clients.Count(client => client.Key == key), PerIp, lately.Count(one => one.Key == key));
            Check(_clients.Count(client => Network(client.Key) == Network(key)), Per24, lately.Count(one => Network(one.Key) == Network(key)));
            Check(_clients.Count, ClusterTotal, lately.Count);
            _arrivals.Add((_step, node.Number, key));
        }

        private void Check(int held, int limit, int lately)
        {
            Assert.True(held <= limit + lately, $"{held} with a limit of {limit} and {lately} of late");
            Overshoots += held > limit ? 1 : 0;
        }

        private void Leave(int client)
        {
            _nodes[_clients[client].Node].Books.Ledger.Release(_clients[client].Lease);
            _clients.RemoveAt(client);
        }
    }

    private sealed class Node
    {
        private readonly List<RemoteGrowth> _grown = [];

        public Node(int number)
        {
            Number = number;
            Books = new Books(total: 1000, PerIp, remote: time => new RemoteCounts(time, ClusterTotal));
            Books.Change(("per-24", $"{Per24}"));
            Books.Ledger.TrackChanges();
            Publisher = new CountsPublisher(Books.Ledger, Books.Policies);
            Inbox = [.. Enumerable.Range(0, Nodes).Select(_ => new List<(int, Counts)>())];
        }

        public int Number { get; }

        public Books Books { get; }

        public CountsPublisher Publisher { get; }

        /// <summary>By sender, in the order in which they were sent: the step at which a message comes, at the earliest.</summary>
        public List<(int Step, Counts Message)>[] Inbox { get; }

        public void Hear(int step)
        {
            for (var from = 0; from < Nodes; from++)
            {
                while (Inbox[from].Count > 0 && Inbox[from][0].Step <= step)
                {
                    Assert.NotEqual(CountsOutcome.Malformed, Books.Remote!.Apply((ulong)from + 1, Inbox[from][0].Message, _grown));
                    Inbox[from].RemoveAt(0);
                }
            }
        }
    }
}
