namespace Relay.Benchmarks.Churn;

/// <summary>Pairing codes that are used once each, and who is there, or was a moment ago, to be sent something.</summary>
internal sealed class ChurnCodes(int clients)
{
    private const string Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    // Each is written by one thread and read by all.
    private readonly string?[] _current = new string?[clients];

    // Atomic.
    private int _last;

    public string New()
    {
        Span<char> code = stackalloc char[6];
        var number = Interlocked.Increment(ref _last);
        for (var i = code.Length - 1; i >= 0; i--, number /= Alphabet.Length)
        {
            code[i] = Alphabet[number % Alphabet.Length];
        }

        return new string(code);
    }

    /// <summary>From now on this is whom offers go to. It stays so when the client is gone: then they come too late.</summary>
    public void Show(int client, string code) => Volatile.Write(ref _current[client], code);

    /// <summary>Somebody's; null: nobody has been there yet.</summary>
    public string? Any(Random random) => Volatile.Read(ref _current[random.Next(_current.Length)]);
}
