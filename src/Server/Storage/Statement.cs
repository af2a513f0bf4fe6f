using Microsoft.Data.Sqlite;

namespace Relay.Storage;

/// <summary>One statement of SQL, prepared at its first use and kept for all later ones. Database thread only.</summary>
internal sealed class Statement(string sql)
{
    private SqliteCommand? _command;

    public string Sql => sql;

    /// <summary>Runs it and returns the number of changed rows.</summary>
    public int Execute(SqliteConnection connection, params ReadOnlySpan<(string Name, object Value)> values) =>
        Bind(connection, values).ExecuteNonQuery();

    /// <summary>Its rows. Dispose the reader before the statement is used again.</summary>
    public SqliteDataReader Read(SqliteConnection connection, params ReadOnlySpan<(string Name, object Value)> values) =>
        Bind(connection, values).ExecuteReader();

    private SqliteCommand Bind(SqliteConnection connection, ReadOnlySpan<(string Name, object Value)> values)
    {
        if (_command is null)
        {
            // Lives as long as its connection, which disposes it.
            _command = connection.CreateCommand();
            _command.CommandText = sql;
            foreach (var (name, _) in values)
            {
                _command.Parameters.Add(new SqliteParameter { ParameterName = name });
            }
        }

        for (var i = 0; i < values.Length; i++)
        {
            _command.Parameters[i].Value = values[i].Value;
        }

        return _command;
    }
}
