using System.Data.Common;
using System.Net.Sockets;
using Npgsql;

namespace Relay.Storage;

/// <summary>What PostgreSQL's errors mean for a relay and for its operator.</summary>
internal static class PostgresErrors
{
    /// <summary>Data, constraints and syntax (classes 22, 23 and 42). A missing right is the operator's to give.</summary>
    public static bool IsBug(DbException exception) =>
        exception.SqlState is { } state and not PostgresErrorCodes.InsufficientPrivilege
        && state[..2] is "22" or "23" or "42";

    /// <summary>
    /// A deadlock with another relay, or a connection that broke (the server was restarted): nothing was committed, and it will
    /// not happen again at once. A server that hangs would do it again.
    /// </summary>
    public static bool IsPassing(Exception exception, bool isLost) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure }
        || (isLost && exception is not { InnerException: TimeoutException });

    /// <summary>Nobody answers, or the server is starting or stopping.</summary>
    public static bool IsUnreachable(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown }
        || IsTimeout(exception) || exception.GetBaseException() is SocketException;

    /// <summary>Why the database cannot be used, and what to do. Never with a password in it.</summary>
    public static string Explain(Exception exception, PostgresTarget target) => exception switch
    {
        PostgresException postgres => postgres.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword =>
                $"the server refuses the password of user '{target.User}'. Correct the password",
            PostgresErrorCodes.InvalidAuthorizationSpecification =>
                $"the server refuses user '{target.User}': {Text(postgres)}. Correct the user name, or allow it in the server's pg_hba.conf",
            PostgresErrorCodes.InvalidCatalogName =>
                $"the server has no such database. Create it: CREATE DATABASE {target.Database} OWNER {target.User}",
            PostgresErrorCodes.InsufficientPrivilege =>
                $"user '{target.User}' lacks a right: {Text(postgres)}. Make it the owner: ALTER DATABASE {target.Database} OWNER TO {target.User}",
            PostgresErrorCodes.LockNotAvailable =>
                "another program has been changing its tables for a minute. Wait for it or end it",
            _ => Text(postgres),
        },
        InvalidDataException => exception.Message.TrimEnd('.'),
        _ when IsTimeout(exception) => "the server does not answer. Check that it runs there",
        _ when exception.GetBaseException() is SocketException socket => $"the server cannot be reached: {socket.Message}. Check that it runs there",
        _ => exception.Message.TrimEnd('.'),
    };

    private static bool IsTimeout(Exception exception) =>
        exception is TimeoutException or { InnerException: TimeoutException } || exception.GetBaseException() is SocketException { SocketErrorCode: SocketError.TimedOut };

    private static string Text(PostgresException exception) => exception.MessageText.TrimEnd('.');
}
