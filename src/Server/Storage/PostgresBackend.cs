using System.Data;
using System.Data.Common;
using Npgsql;

namespace Relay.Storage;

/// <summary>
/// A database on a PostgreSQL server, which other relays may use too. What relays must not do at the same time they order by row
/// locks; no statement and no transaction of a relay that hangs can stop the others for longer than the timeouts here.
/// </summary>
internal sealed class PostgresBackend : Backend
{
    // A client waits for its answer meanwhile.
    private const int StatementSeconds = 5;
    private const int ConnectSeconds = 5;

    // For a server that hangs: how long it has to confirm that the statement was cancelled.
    private const int CancelMilliseconds = 500;

    // Any number that other programs do not use: "relay".
    private const long MigrationLock = 0x72656C6179;

    private static readonly string SessionSettings =
        $"SET statement_timeout = '{StatementSeconds}s'; SET lock_timeout = '{StatementSeconds - 1}s'; SET idle_in_transaction_session_timeout = '{StatementSeconds}s'";

    private readonly NpgsqlDataSource _source;
    private readonly PostgresTarget _target;
    private readonly TimeProvider _time;

    public PostgresBackend(string connection, TimeProvider time)
    {
        _time = time;
        _target = PostgresTarget.Parse(connection);
        var builder = new NpgsqlSlimDataSourceBuilder(_target.ConnectionString);
        builder.ConnectionStringBuilder.Pooling = false;
        builder.ConnectionStringBuilder.Enlist = false;
        builder.ConnectionStringBuilder.Timeout = ConnectSeconds;
        builder.ConnectionStringBuilder.CommandTimeout = StatementSeconds + 1;
        builder.ConnectionStringBuilder.CancellationTimeout = CancelMilliseconds;
        builder.ConnectionStringBuilder.ApplicationName ??= "relayd";
        builder.EnableTransportSecurity();
        _source = builder.Build();
    }

    public override string Name => _target.Name;

    public override bool IsShared => true;

    public override Statement Begin { get; } = new("BEGIN");

    public override DbConnection Open() => OpenFor(Migrate);

    /// <summary>
    /// Opens it for something else, without timeouts for what is done there. Throws <see cref="InvalidDataException"/>, with a sentence for the
    /// operator, when it or the preparation fails.
    /// </summary>
    public NpgsqlConnection OpenFor(Action<NpgsqlConnection> prepare)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = _source.OpenConnection();
            prepare(connection);
            return connection;
        }
        catch (Exception exception) when (exception is DbException or InvalidDataException or TimeoutException)
        {
            connection?.Dispose();
            throw new InvalidDataException(
                $"The database {Name} cannot be used: {Explain(exception)}. Storage:Connection names it.", exception);
        }
    }

    /// <summary>Why it cannot be used and what to do, without a full stop.</summary>
    public string Explain(Exception exception) => PostgresErrors.Explain(exception, _target);

    public override DbConnection Reopen()
    {
        var connection = _source.OpenConnection();
        try
        {
            Execute(connection, SessionSettings);
            return connection;
        }
        catch (Exception)
        {
            connection.Dispose();
            throw;
        }
    }

    public override bool IsBug(DbException exception) => PostgresErrors.IsBug(exception);

    public override bool IsUnreachable(InvalidDataException exception) => PostgresErrors.IsUnreachable(exception.InnerException!);

    public override bool IsPassing(Exception exception, DbConnection connection) => PostgresErrors.IsPassing(exception, connection.State != ConnectionState.Open);

    public override long MeasureSize(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace";
        return (long)command.ExecuteScalar()!;
    }

    public override void Dispose() => _source.Dispose();

    /// <summary>Of relays that start at the same time one does it, the others wait for it. Held until the transaction or the connection ends.</summary>
    public static void LockSchema(NpgsqlConnection connection) =>
        Execute(connection, $"SET lock_timeout = '1min'; SELECT pg_advisory_lock({MigrationLock})");

    private void Migrate(NpgsqlConnection connection)
    {
        LockSchema(connection);
        Migrations.Apply(connection, Migrations.Embedded, _time);
        Execute(connection, $"SELECT pg_advisory_unlock({MigrationLock}); {SessionSettings}");
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 0;
        command.ExecuteNonQuery();
    }
}
