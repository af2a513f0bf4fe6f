using System.Text;

namespace Server.Tests.Fuzz;

/// <summary>Tries one input and names the outcome; throws where a promise is broken.</summary>
internal delegate string FuzzTry(ReadOnlySpan<byte> input, FuzzInputs random);

/// <summary>Something that reads what untrusted clients write, with good inputs to begin from and telling pieces to strew in.</summary>
/// <param name="Name">As the command line takes it.</param>
/// <param name="Try">Tries one input.</param>
/// <param name="Good">Inputs to begin from.</param>
/// <param name="Tokens">Pieces to strew in.</param>
/// <param name="Grow">Appends a whole input of the right structure; null: there are only the good ones.</param>
internal sealed record FuzzTarget(string Name, FuzzTry Try, IReadOnlyList<byte[]> Good, IReadOnlyList<byte[]> Tokens, Action<FuzzInputs>? Grow = null)
{
    public static readonly FuzzTarget[] All =
    [
        ProxyHeaderFuzz.Target, ForwardedFuzz.Target, PrefixFuzz.Target, FrameFuzz.Target, HeadFuzz.Target, HandshakeFuzz.Target, JsonFuzz.Target,
        PeerFuzz.Target, AdminFuzz.Target,
    ];

    /// <summary>Tries <paramref name="count"/> inputs and counts their outcomes. The first broken promise ends it with the input to repeat it by.</summary>
    public SortedDictionary<string, long> Run(long count, ulong seed)
    {
        var inputs = new FuzzInputs(Good, Tokens, seed, Grow);
        var outcomes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            var input = inputs.Next();
            string outcome;
            try
            {
                outcome = Try(input, inputs);
            }
            catch (Exception exception)
            {
                throw new FuzzFinding($"{Name}, input {i} of seed {seed}: {(exception is BrokenPromise ? exception.Message : exception)}\n  input: {Convert.ToHexString(input)}\n  text:  {Encoding.Latin1.GetString(input)}", exception);
            }

            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        return outcomes;
    }

    public static byte[][] Bytes(params string[] texts) => [.. texts.Select(Encoding.Latin1.GetBytes)];

    /// <summary>A promise of the code under test.</summary>
    public static void Promise(bool isKept, string what)
    {
        if (!isKept)
        {
            throw new BrokenPromise(what);
        }
    }
}

/// <summary>A broken promise, with what is needed to make a test of it.</summary>
internal sealed class FuzzFinding(string message, Exception inner) : Exception(message, inner);

/// <summary>What is wrong, in a sentence; any other exception is one that the code under test should not have thrown.</summary>
internal sealed class BrokenPromise(string message) : Exception(message);
