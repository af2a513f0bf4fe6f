using System.ComponentModel.DataAnnotations;

namespace Relay.Storage;

/// <summary>Where that is kept which must outlive a connection and a restart.</summary>
internal sealed class StorageOptions : IValidatableObject
{
    /// <summary>SQLite file, made at the first start with mode 0600; beside it lie its write-ahead log, index and lock.</summary>
    public string File { get; set; } = "data/relay.db";

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
    }
}
