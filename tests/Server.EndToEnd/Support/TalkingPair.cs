using System.Globalization;
using System.Text.Json;

namespace Relay.EndToEnd.Support;

/// <summary>
/// Two clients that send each other numbered messages without a pause, several on their way at a time, and notice each that is missing, comes twice, comes out
/// of order, or takes long.
/// </summary>
internal sealed class TalkingPair : IAsyncDisposable
{
    // On their way to each of the two at a time: below what may wait for a client.
    private const int InFlight = 4;

    private readonly TestClient _one;
    private readonly TestClient _other;
    private readonly CancellationTokenSource _stop = new();
    private readonly string[] _codes;
    private Task _talk = Task.CompletedTask;
    private long _heard;

    private TalkingPair(TestClient one, TestClient other, string[] codes) => (_one, _other, _codes) = (one, other, codes);

    /// <summary>Answers that have come.</summary>
    public long Heard => Interlocked.Read(ref _heard);

    public bool HasFailed => _talk.IsFaulted;

    /// <summary>Of any answer, since its question was sent.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>Connects the two, whose codes no other pair has.</summary>
    public static async Task<TalkingPair> ConnectAsync(int port, int number)
    {
        string[] codes = [CodeOf(2 * number), CodeOf((2 * number) + 1)];
        return new TalkingPair(await TestClient.RegisterAsync(port, codes[0]), await TestClient.RegisterAsync(port, codes[1]), codes);
    }

    /// <summary>From now on they talk.</summary>
    public void Start() => _talk = Task.WhenAll(Task.Run(AskAsync), Task.Run(AnswerAsync));

    /// <summary>Ends when the last question has been answered; throws what went wrong.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _talk.WaitAsync(Upgrading.Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _one.DisposeAsync();
        await _other.DisposeAsync();
        await ((Task)_talk.WaitAsync(Upgrading.Patience)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AskAsync()
    {
        var sentAt = new Queue<long>();
        var (sent, answered) = (0L, 0L);
        while (!_stop.IsCancellationRequested || answered < sent)
        {
            if (!_stop.IsCancellationRequested && sent - answered < InFlight)
            {
                sentAt.Enqueue(TimeProvider.System.GetTimestamp());
                await SendAsync(_one, "offer", _codes[1], ++sent);
                continue;
            }

            await ExpectAsync(_one, "answer", _codes[1], ++answered);
            var took = TimeProvider.System.GetElapsedTime(sentAt.Dequeue());
            Longest = took > Longest ? took : Longest;
            Interlocked.Increment(ref _heard);
        }

        // So the other one ends too.
        await SendAsync(_one, "offer", _codes[1], -1);
    }

    private async Task AnswerAsync()
    {
        for (var number = 1L; await ReceiveAsync(_other, "offer", _codes[0]) is var received && received != -1; number++)
        {
            Assert.Equal(number, received);
            await SendAsync(_other, "answer", _codes[0], number);
        }
    }

    private static Task SendAsync(TestClient client, string type, string target, long number) =>
        client.SendAsync(string.Create(CultureInfo.InvariantCulture, $$"""{"type":"{{type}}","target":"{{target}}","payload":{"number": {{number}} } }"""));

    private static async Task ExpectAsync(TestClient client, string type, string from, long number) =>
        Assert.Equal(number, await ReceiveAsync(client, type, from));

    private static async Task<long> ReceiveAsync(TestClient client, string type, string from)
    {
        using var message = JsonDocument.Parse(await client.ReceiveTextAsync(Upgrading.Patience));
        var root = message.RootElement;
        Assert.Equal((type, from), (root.GetProperty("type").GetString(), root.GetProperty("from").GetString()));
        return root.GetProperty("payload").GetProperty("number").GetInt64();
    }

    // Of the alphabet that pairing codes have.
    private static string CodeOf(int number)
    {
        const string Letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        return string.Create(6, number, (code, left) =>
        {
            for (var i = code.Length - 1; i >= 0; i--)
            {
                code[i] = Letters[left % Letters.Length];
                left /= Letters.Length;
            }
        });
    }
}
