using System.Data.Common;
using Relay.Storage;

namespace Relay.Policy;

/// <summary>A row of the shared journal.</summary>
/// <param name="Position">Counts the rows of the journal, without gaps.</param>
/// <param name="Id">The writer's mark.</param>
/// <param name="Node">The relay that wrote it.</param>
/// <param name="Evict">A word of <see cref="Evictions"/>.</param>
/// <param name="Line">The entry, as in the file.</param>
internal sealed record SharedRow(long Position, string Id, long Revision, string Node, string Evict, byte[] Line);

/// <summary>Rows of the shared journal, in their order.</summary>
/// <param name="IsWhole">All that there are, and not only those after the row that the reader knew.</param>
internal readonly record struct SharedPage(bool IsWhole, IReadOnlyList<SharedRow> Rows);

/// <summary>
/// The journal in the database that several relays share. A row is stored at the position after the newest or not at all, so whoever has
/// decided from an older state than the newest learns it. All of it throws <see cref="StorageException"/> when the database fails it.
/// </summary>
internal sealed class SharedJournal(Database database)
{
    // Any number that other programs and our migrations do not use: "policy".
    private const long SeedLock = 0x706F6C696379;

    // A row that another relay stores at the same position is waited for, until it is committed or rolled back.
    private readonly Statement _append = new(
        """
        INSERT INTO policy_journal (position, id, revision, node, evict, line)
        SELECT @position, @id, @revision, @node, @evict, @line
        WHERE @position = 1 OR EXISTS (SELECT 1 FROM policy_journal WHERE position = @position - 1 AND id = @after)
        ON CONFLICT DO NOTHING
        """);

    // The known row comes without its line, which may be long: this is asked every second.
    private readonly Statement _read = new(
        """
        SELECT position, id, revision, node, evict, CASE WHEN position = @known THEN id ELSE line END
        FROM policy_journal WHERE position >= @known ORDER BY position
        """);

    private readonly Statement _lock = new($"SELECT pg_advisory_xact_lock({SeedLock})");
    private readonly Statement _replace = new("UPDATE policy_journal SET line = @line WHERE position = @position");
    private readonly Statement _deleteBefore = new("DELETE FROM policy_journal WHERE position < @position");

    /// <summary>Where it is, for people.</summary>
    public string Name => $"the database {database.Name}";

    /// <summary>The database cannot be reached: all fails at once.</summary>
    public bool IsAway => database.IsAway;

    /// <summary>The rows after the known one; all rows where none is known, or where the known one is not there any more.</summary>
    public Task<SharedPage> ReadAsync(long knownPosition, string knownId) => database.RunAsync(connection =>
    {
        var rows = Read(connection, knownPosition);
        return rows.Count > 0 && rows[0].Position == knownPosition && rows[0].Id == knownId
            ? new SharedPage(false, rows[1..])
            : new SharedPage(true, Read(connection, 0));
    });

    /// <summary>Stores rows as the newest ones, all of them; false: others are newer, and none was stored.</summary>
    /// <param name="after">The id of the row before the first of them.</param>
    /// <param name="first">Holds the whole state: those before it are deleted. Null: all are kept.</param>
    public Task<bool> TryAppendAsync(IReadOnlyList<SharedRow> rows, string after, SharedRow? first) => database.RunAsync(connection =>
    {
        if (!Append(connection, rows, after))
        {
            return false;
        }

        if (first is not null)
        {
            _replace.Execute(connection, ("@line", first.Line), ("@position", first.Position));
            _deleteBefore.Execute(connection, ("@position", first.Position));
        }

        return true;
    });

    /// <summary>Stores rows where there are none yet. Of relays that do it at the same time one does it, the others wait for it.</summary>
    public Task<bool> TrySeedAsync(IReadOnlyList<SharedRow> rows) => database.RunAsync(connection =>
    {
        using (_lock.Read(connection))
        {
            // Held until the transaction ends.
        }

        if (Read(connection, 0).Count > 0)
        {
            return false;
        }

        return Append(connection, rows, "");
    });

    // The first decides: nobody else can store at the positions after it meanwhile.
    private bool Append(DbConnection connection, IReadOnlyList<SharedRow> rows, string after)
    {
        foreach (var row in rows)
        {
            if (_append.Execute(
                connection,
                ("@position", row.Position),
                ("@after", after),
                ("@id", row.Id),
                ("@revision", row.Revision),
                ("@node", row.Node),
                ("@evict", row.Evict),
                ("@line", row.Line)) == 0)
            {
                return row == rows[0] ? false : throw new InvalidOperationException($"position {row.Position} was taken by somebody else");
            }

            after = row.Id;
        }

        return true;
    }

    private List<SharedRow> Read(DbConnection connection, long known)
    {
        using var row = _read.Read(connection, ("@known", known));
        var rows = new List<SharedRow>();
        while (row.Read())
        {
            rows.Add(new SharedRow(row.GetInt64(0), row.Text(1), row.GetInt64(2), row.Text(3), row.Text(4), row.GetFieldValue<byte[]>(5)));
        }

        return rows;
    }
}
