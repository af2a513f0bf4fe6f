using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Relay.Storage;

/// <summary>One file, which this relay alone writes. It is never lost, as a failing disk fails the statements; it is opened anew when another process has had it.</summary>
internal sealed class SqliteBackend(string path, TimeProvider time) : Backend
{
    // SQLite's codes for errors of ours; all others are troubles of the disk or the file.
    private const int SqlError = 1;
    private const int Constraint = 19;
    private const int Misuse = 21;
    private const int OutOfRange = 25;

    private DatabaseFile? _file;

    public override string Name => path;

    public override bool IsShared => false;

    public override Statement Begin { get; } = new("BEGIN IMMEDIATE");

    public override DbConnection Open() => (_file = DatabaseFile.Open(path, time)).Connection;

    public override DbConnection Reopen() => Open();

    public override bool IsBug(DbException exception) =>
        exception is SqliteException { SqliteErrorCode: SqlError or Constraint or Misuse or OutOfRange };

    public override bool IsUnreachable(InvalidDataException exception) => false;

    public override bool IsPassing(Exception exception, DbConnection connection) => false;

    public override long MeasureSize(DbConnection connection) => Size(path) + Size($"{path}-wal");

    public override void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }

    private static long Size(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;
}
