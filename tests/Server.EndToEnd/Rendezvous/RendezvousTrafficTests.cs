using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Rendezvous;

/// <summary>Random registrations and departures over real sockets: whom one is told of is told of him, once.</summary>
[Trait("Clients", "Spread")]
public sealed class RendezvousTrafficTests
{
    private static readonly string[] Names = [.. "ABCDEFGH".Select(last => $"AAAAA{last}")];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AnyTraffic_Matches_AreSymmetricAndNobodyFindsItself(int seed)
    {
        var random = new Random(seed);
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.MessagesPerMinute = 100_000);
        var here = new Dictionary<string, TestClient>();
        var holders = new Dictionary<string, HashSet<string>>();
        var letters = new Dictionary<(string Point, string Name), string>();
        for (var step = 0; step < 150; step++)
        {
            var name = Names[random.Next(Names.Length)];
            if (!here.TryGetValue(name, out var client))
            {
                here.Add(name, await TestClient.RegisterAsync(server, name));
            }
            else if (random.Next(5) == 0)
            {
                await client.CloseAsync();
                await client.DisposeAsync();
                here.Remove(name);
                var left = here.Count;
                await Eventually.TrueAsync(() => server.Sum<Relay.Clients.ClientDirectory>(clients => clients.Counts().Codes) == left, "the name is free");
                foreach (var others in holders.Values)
                {
                    others.Remove(name);
                }
            }
            else
            {
                var tokens = Some("t", random);
                var points = Some("p", random);
                var found = await client.MeetAsync(
                    $"'hourlyTokens':[{List(tokens)}],'dailyPoints':[{List(points)}],'deadDrop':'{step}','relayId':'at {step}'");

                var expected = tokens.SelectMany(token => holders.GetValueOrDefault(token) ?? []).Where(other => other != name).ToHashSet();
                Assert.Equal(expected.Order(), found.Matches().Order());
                foreach (var other in expected)
                {
                    var match = (await here[other].ExpectAsync("rendezvous_match")).GetProperty("match");
                    Assert.Equal((name, $"at {step}"), (match.GetProperty("peerId").GetString(), match.GetProperty("relayId").GetString()));
                }

                Assert.Equal(
                    points.SelectMany(point => letters.Where(letter => letter.Key.Point == point && letter.Key.Name != name).Select(letter => letter.Value)).Order(),
                    found.Drops().Order());
                tokens.ForEach(token => (holders.TryGetValue(token, out var others) ? others : holders[token] = []).Add(name));
                points.ForEach(point => letters[(point, name)] = $"{step}");
            }
        }

        foreach (var client in here.Values)
        {
            await client.ExpectNothingAsync();
            await client.CloseAsync();
            await client.DisposeAsync();
        }

        await Eventually.TrueAsync(async () => (await server.MeetingsAsync()).HourlyTokens == 0, "all tokens went");
        Assert.Equal(letters.Count, (await server.MeetingsAsync()).DailyPoints);
    }

    private static List<string> Some(string kind, Random random) =>
        [.. Enumerable.Range(0, random.Next(4)).Select(_ => $"{kind}{random.Next(6)}").Distinct()];

    private static string List(List<string> texts) => string.Join(',', texts.Select(text => $"'{text}'"));
}
