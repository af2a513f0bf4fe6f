using CsCheck;
using Relay.Clients;
using Relay.Signaling;

namespace Server.Tests.Signaling;

public sealed class MatchTableTests
{
    private const int Partners = 3;

    [Fact]
    public void AnyOperations_ThePairs_AreThoseOfAList() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 6], Gen.Int[0, 6]).Array[0, 120].Sample(
            operations =>
            {
                var table = new MatchTable(new SignalingOptions { RequireMatch = true, MatchesPerSocket = Partners });
                var clients = Enumerable.Range(0, 7).Select(_ => new Client(null!)).ToArray();

                // Oldest first.
                var pairs = new List<(Client One, Client Other)>();
                foreach (var (what, one, other) in operations.Where(operation => operation.Item2 != operation.Item3))
                {
                    if (what > 0)
                    {
                        table.Add(clients[one], clients[other]);
                        pairs.RemoveAll(pair => Has(pair, clients[one]) && Has(pair, clients[other]));
                        MakeRoom(clients[one]);
                        MakeRoom(clients[other]);
                        pairs.Add((clients[one], clients[other]));
                    }
                    else
                    {
                        table.Forget(clients[one]);
                        pairs.RemoveAll(pair => Has(pair, clients[one]));
                    }

                    Assert.Equal(pairs.Count, table.Count);
                    foreach (var from in clients)
                    {
                        Assert.All(clients, to => Assert.Equal(from != to && pairs.Exists(pair => Has(pair, from) && Has(pair, to)), table.Allows(from, to)));
                    }
                }

                void MakeRoom(Client client)
                {
                    if (pairs.Count(pair => Has(pair, client)) == Partners)
                    {
                        pairs.Remove(pairs.Find(pair => Has(pair, client)));
                    }
                }
            },
            iter: 300);

    [Fact]
    public async Task ManyThreads_AllLeft_NothingIsRemembered()
    {
        const int Threads = 4;
        var table = new MatchTable(new SignalingOptions { RequireMatch = true, MatchesPerSocket = 2 });
        var clients = Enumerable.Range(0, Threads).Select(_ => new Client(null!)).ToArray();
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 20_000; i++)
            {
                if (random.Next(4) > 0 && random.Next(Threads) is var other && other != thread)
                {
                    table.Add(clients[thread], Volatile.Read(ref clients[other]));
                }
                else
                {
                    Leave(clients[thread]);
                    Volatile.Write(ref clients[thread], new Client(null!));
                }
            }

            Leave(clients[thread]);
        })));

        Assert.Equal(0, table.Count);

        void Leave(Client client)
        {
            client.MarkLeft();
            table.Forget(client);
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Add_OneHasLeft_IsNotRemembered(bool one, bool other)
    {
        var table = new MatchTable(new SignalingOptions { RequireMatch = true });

        table.Add(Client(one), Client(other));

        Assert.Equal(0, table.Count);

        static Client Client(bool hasLeft)
        {
            var client = new Client(null!);
            if (hasLeft)
            {
                client.MarkLeft();
            }

            return client;
        }
    }

    [Fact]
    public void NoMatchRequired_Everybody_MayAndNothingIsRemembered()
    {
        var table = new MatchTable(new SignalingOptions());
        var (one, other) = (new Client(null!), new Client(null!));

        table.Add(one, other);

        Assert.Equal(0, table.Count);
        Assert.True(table.Allows(other, one));
    }

    private static bool Has((Client One, Client Other) pair, Client client) => pair.One == client || pair.Other == client;
}
