using System.Text;

namespace Server.Tests.Fuzz;

/// <summary>Tries one input and names the outcome; throws where a promise is broken.</summary>
internal delegate string FuzzTry(ReadOnlySpan<byte> input, FuzzInputs random);

/// <summary>Something that reads what untrusted clients write, with good inputs to begin from and telling pieces to strew in.</summary>
internal sealed record FuzzTarget(string Name, FuzzTry Try, IReadOnlyList<byte[]> Good, IReadOnlyList<byte[]> Tokens)
{
    public static readonly FuzzTarget[] All = [ProxyHeaderFuzz.Target, ForwardedFuzz.Target, PrefixFuzz.Target, FrameFuzz.Target, HeadFuzz.Target, JsonFuzz.Target];

    /// <summary>Tries <paramref name="count"/> inputs and counts their outcomes. The first broken promise ends it with the input to repeat it by.</summary>
    public SortedDictionary<string, long> Run(long count, ulong seed)
    {
        var inputs = new FuzzInputs(Good, Tokens, seed);
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
                throw new FuzzFinding($"{Name}, input {i} of seed {seed}: {exception.Message}\n  input: {Convert.ToHexString(input)}\n  text:  {Encoding.Latin1.GetString(input)}", exception);
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
            throw new InvalidOperationException(what);
        }
    }
}

/// <summary>A broken promise, with what is needed to make a test of it.</summary>
internal sealed class FuzzFinding(string message, Exception inner) : Exception(message, inner);
