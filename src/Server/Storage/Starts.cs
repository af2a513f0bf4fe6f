using System.Data.Common;

namespace Relay.Storage;

/// <summary>The starts of relays on one database, and numbers that each makes of its own.</summary>
internal static class Starts
{
    // A trillion sockets or rows of each start, and four million starts that the database counts.
    private const int Bits = 40;
    private const int Counted = 1 << 22;

    /// <summary>The number of one more start.</summary>
    public static long Count(DbConnection connection)
    {
        using var row = new Statement("UPDATE starts SET last = last + 1 RETURNING last").Read(connection);
        row.Read();
        return row.GetInt64(0);
    }

    /// <summary>A number above those that are counted. Of two starts that choose at random hardly ever both take the same.</summary>
    public static long Uncounted() => Counted + Random.Shared.Next(Counted);

    public static long Own(long start, long number) => (start << Bits) | number;

    /// <summary>The start that has made a number.</summary>
    public static long Of(long made) => made >> Bits;

    public static long NumberOf(long made) => made & ((1L << Bits) - 1);
}
