using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Federation;

/// <summary>Five relays of five operators, each a process: kills and stops are noticed, and whoever comes back is back.</summary>
[Trait("Programs", "Started")]
public sealed class ProcessTests : IAsyncDisposable
{
    private const int Count = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
    private readonly int[] _ports = [.. Enumerable.Range(0, Count).Select(_ => FreePort.Take())];
    private readonly RelayProcess?[] _relays = new RelayProcess?[Count];
    private readonly string[] _ids = new string[Count];

    [Fact]
    public async Task Killed_AndStopped_AreNoticedAndComeBack()
    {
        await Task.WhenAll(Enumerable.Range(0, Count).Select(StartAsync));
        await AgreeAsync("alive", 0, 1, 2, 3, 4);

        await _relays[1]!.KillAsync();
        await _relays[1]!.DisposeAsync();
        await SeenAsync("failed", by: [0, 2, 3, 4], of: 1);

        await StartAsync(1);
        await AgreeAsync("alive", 0, 1, 2, 3, 4);

        await _relays[3]!.SignalAsync("STOP");
        await SeenAsync("failed", by: [0, 1, 2, 4], of: 3);
        await _relays[3]!.SignalAsync("CONT");
        await AgreeAsync("alive", 0, 1, 2, 3, 4);

        await _relays[0]!.SignalAsync("TERM");
        await SeenAsync("left", by: [1, 2, 3, 4], of: 0);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var relay in _relays)
        {
            if (relay is not null)
            {
                await relay.DisposeAsync();
            }
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync(int number)
    {
        _relays[number] = await RelayProcess.StartAsync(
            $"--Listen:Port={_ports[number]}",
            $"--Identity:KeyFile={_folder}/{number}.key",
            $"--Identity:PublicEndpoint=ws://127.0.0.1:{_ports[number]}",
            "--Federation:Admit=Any",
            "--Federation:PrivateEndpoints=true",
            $"--Federation:Connect:0=ws://127.0.0.1:{_ports[(number + 1) % Count]}");
        _ids[number] = (await MembersAsync(number)).Single(member => member.Self).ServerId;
    }

    private async Task<IReadOnlyList<Member>> MembersAsync(int number)
    {
        using var channel = _relays[number]!.OpenChannel();
        var client = new FederationService.FederationServiceClient(channel);
        return (await client.ListMembersAsync(new ListMembersRequest(), deadline: DateTime.MaxValue, cancellationToken: TestContext.Current.CancellationToken)).Members;
    }

    // Each of them has all others of them in this state, with a link, and on its ring.
    private Task AgreeAsync(string state, params int[] numbers) => UntilAsync(
        numbers,
        members => numbers.All(number => members.Any(member => member.ServerId == _ids[number] && member.State == state && member.Owner)),
        $"{string.Join(", ", numbers)} are {state} to each other");

    private Task SeenAsync(string state, int[] by, int of) => UntilAsync(
        by, members => members.Single(member => member.ServerId == _ids[of]) is var member && member.State == state && !member.Owner, $"{of} is {state}");

    private async Task UntilAsync(int[] judges, Func<IReadOnlyList<Member>, bool> condition, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        using var patience = new CancellationTokenSource(Patience);
        foreach (var judge in judges)
        {
            for (IReadOnlyList<Member> members; !condition(members = await MembersAsync(judge));)
            {
                Assert.False(patience.IsCancellationRequested, $"did not happen in time: {what}; {judge} has {string.Join(", ", members)}");
                await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            }
        }
    }
}
