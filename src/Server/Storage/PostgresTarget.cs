using System.Data.Common;
using Npgsql;

namespace Relay.Storage;

/// <summary>Which server, database and user a connection string names. Only <see cref="ConnectionString"/> holds the password.</summary>
internal sealed record PostgresTarget(string ConnectionString, string Host, string Database, string User)
{
    // It repeats none of it: a misplaced quote makes a part of a password a keyword.
    private const string Malformed =
        "is no connection string; write Host=db.example.org;Database=relay;Username=relay;Password=..., with a value that holds ; or = in quotes, "
        + "or postgresql://relay:...@db.example.org/relay, with special letters as %40";

    public string Name => $"'{Database}' on {Host}";

    /// <summary>What is wrong with a connection string, without a word of it; null: nothing.</summary>
    public static string? ErrorIn(string text)
    {
        try
        {
            Parse(text);
            return null;
        }
        catch (FormatException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>Throws <see cref="FormatException"/> with what is wrong.</summary>
    public static PostgresTarget Parse(string text)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(IsUri(text) ? FromUri(new Uri(text)) : text);
            return string.IsNullOrEmpty(builder.Host) || string.IsNullOrEmpty(builder.Database)
                ? throw new FormatException("names no Host or no Database")
                : new PostgresTarget(
                    builder.ConnectionString, builder.Host.StartsWith('/') ? builder.Host : $"{builder.Host}:{builder.Port}",
                    builder.Database, builder.Username ?? Environment.UserName);
        }
        catch (Exception exception) when (exception is ArgumentException or UriFormatException or InvalidCastException or OverflowException or KeyNotFoundException)
        {
            // Not as the inner exception either.
            throw new FormatException(Malformed);
        }
    }

    private static bool IsUri(string text) =>
        text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase);

    private static string FromUri(Uri uri)
    {
        var parts = new DbConnectionStringBuilder { ["Host"] = uri.IdnHost, ["Database"] = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')) };
        if (uri.Port > 0)
        {
            parts["Port"] = uri.Port;
        }

        var login = uri.UserInfo.Split(':', 2);
        if (login[0].Length > 0)
        {
            parts["Username"] = Uri.UnescapeDataString(login[0]);
        }

        if (login.Length == 2)
        {
            parts["Password"] = Uri.UnescapeDataString(login[1]);
        }

        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = pair.Split('=', 2) is [var name, var given] ? (name, given) : (pair, "");
            parts[Uri.UnescapeDataString(key)] = Uri.UnescapeDataString(value);
        }

        return parts.ConnectionString;
    }
}
