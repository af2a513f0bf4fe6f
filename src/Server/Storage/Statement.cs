using System.Data.Common;
using System.Text;
using Npgsql;

namespace Relay.Storage;

/// <summary>One statement of SQL, prepared at its first use on a connection and kept for all later ones. Database thread only.</summary>
internal sealed class Statement(string sql)
{
    private DbCommand? _command;

    public string Sql => sql;

    /// <summary>Runs it and returns the number of changed rows.</summary>
    public int Execute(DbConnection connection, params ReadOnlySpan<(string Name, object Value)> values) =>
        Bind(connection, values).ExecuteNonQuery();

    /// <summary>Its rows. Dispose the reader before the statement is used again.</summary>
    public DbDataReader Read(DbConnection connection, params ReadOnlySpan<(string Name, object Value)> values) =>
        Bind(connection, values).ExecuteReader();

    private DbCommand Bind(DbConnection connection, ReadOnlySpan<(string Name, object Value)> values)
    {
        if (_command is { } command && command.Connection == connection)
        {
            for (var i = 0; i < values.Length; i++)
            {
                command.Parameters[i].Value = Stored(connection, values[i].Value);
            }

            return command;
        }

        // Lives as long as its connection, which disposes it.
        command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, Stored(connection, value));
            command.Parameters.Add(parameter);
        }

        command.Prepare();
        return _command = command;
    }

    // Clients choose their texts, and no text of PostgreSQL's holds U+0000: there texts are kept as UTF-8 bytes.
    private static object Stored(DbConnection connection, object value) =>
        value is string text && connection is NpgsqlConnection ? Encoding.UTF8.GetBytes(text) : value;
}

internal static class Rows
{
    /// <summary>A text as the statement has stored it.</summary>
    public static string Text(this DbDataReader row, int column) => Encoding.UTF8.GetString(row.GetFieldValue<byte[]>(column));
}
