using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Storage;

/// <summary>Where that is kept which must outlive a connection and a restart.</summary>
internal sealed class StorageOptions : IValidatableObject
{
    /// <summary>
    /// PostgreSQL database instead of the SQLite file, `Host=db.example.org;Database=relay;Username=relay;Password=...` or
    /// `postgresql://relay:...@db.example.org/relay`. Several relays may share one, and with it the
    /// policy that operators change. It may hold a password: keep it in a file that only
    /// the relay may read or in `RELAY_STORAGE__CONNECTION`, not on the command line. Empty: the SQLite file.
    /// </summary>
    [Secret]
    public string Connection { get; set; } = "";

    /// <summary>
    /// SQLite file, made in `Data:Folder` at the first start with mode 0600; beside it lie its write-ahead log, index and lock. Unused with
    /// `Storage:Connection`.
    /// </summary>
    public string File { get; set; } = "relay.db";

    /// <summary>
    /// Messages whose changes may share one transaction, and so one flush to the disk. More is faster under load and makes
    /// no delay when there is none.
    /// </summary>
    internal int BatchSize { get; set; } = 256;

    /// <summary>
    /// Messages that may wait for the disk; one more is answered with an error at once. Each socket has one at most, so this
    /// is reached when the disk hangs while sockets come and go.
    /// </summary>
    internal int MaxWaiting { get; set; } = 20_000;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (File.Length == 0)
        {
            yield return new ValidationResult("a file name is needed", [nameof(File)]);
        }

        if (Connection.Length > 0 && PostgresTarget.ErrorIn(Connection) is { } error)
        {
            yield return new ValidationResult(error, [nameof(Connection)]);
        }
    }
}
