using System.CommandLine;
using Relay.Storage;

namespace Relay.Configuration;

/// <summary>relayd migrate-storage: from one relay's SQLite file to a PostgreSQL database.</summary>
internal static class MigrateStorageCommand
{
    public const string Help = """
        Copy what a SQLite file holds into a PostgreSQL database.

        Usage:
          relayd migrate-storage --from FILE --to CONNECTION [--replace]

        Options:
          --from FILE      The SQLite file (Storage:File). It is only read. Stop the relay that uses it first.
          --to CONNECTION  The database, as in Storage:Connection; without it, RELAY_STORAGE__CONNECTION.
          --replace        Delete what the database holds of relays first, their policy too. Without it only an empty one is filled.
          -?, -h, --help   Show this.

        All is copied in one transaction, and the rows are counted: after an error nothing is there. The journal of limits and bans
        (Admission:PolicyFile) is copied by the first relay that starts on the database.
        Exit codes: 0 copied, 1 not copied (the message says why), 2 wrong options.

        Example:
          RELAY_STORAGE__CONNECTION='Host=db;Database=relay;Username=relay;Password=...' relayd migrate-storage --from /var/lib/relay/relay.db

        """;

    private const string Variable = "RELAY_STORAGE__CONNECTION";

    public static Command Create()
    {
        var from = new System.CommandLine.Option<string>("--from") { Required = true };
        var to = new System.CommandLine.Option<string?>("--to");
        var replace = new System.CommandLine.Option<bool>("--replace");

        // The library would print what it does not understand, and that may be a password.
        var command = new Command("migrate-storage") { from, to, replace };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(result =>
        {
            var connection = result.GetValue(to) ?? Environment.GetEnvironmentVariable(Variable) ?? "";
            var error = result.UnmatchedTokens.Count > 0 ? "there is more than the options; put the connection string into quotes"
                : connection.Length == 0 ? $"--to or {Variable} is needed"
                : PostgresTarget.ErrorIn(connection) is { } malformed ? $"--to: {malformed}"
                : null;
            var configuration = result.InvocationConfiguration;
            if (error is not null)
            {
                configuration.Error.WriteLine($"relayd: {error}");
                return ServerCommand.BadConfiguration;
            }

            return Run(result.GetValue(from)!, connection, result.GetValue(replace), configuration.Output, configuration.Error);
        });
        return command;
    }

    private static int Run(string from, string connection, bool replace, TextWriter output, TextWriter errors)
    {
        try
        {
            var tables = new FileToPostgres(from, connection, TimeProvider.System).Copy(replace);
            output.WriteLine($"Copied '{from}' to the database {PostgresTarget.Parse(connection).Name}:");
            foreach (var (table, rows) in tables)
            {
                output.WriteLine($"  {table,-17}{rows,12:#,0} rows");
            }

            output.WriteLine("The file is as it was. Set Storage:Connection and start relayd.");
            return 0;
        }
        catch (InvalidDataException exception)
        {
            errors.WriteLine($"relayd: {exception.Message.TrimEnd('.')}.");
            return 1;
        }
    }
}
