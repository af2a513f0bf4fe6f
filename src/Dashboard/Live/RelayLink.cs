using Google.Rpc;
using Grpc.Core;
using Relay.AdminCli;

namespace Relay.Dashboard.Live;

/// <summary>A relay, called with one operator's credentials. All of his pages share it.</summary>
internal sealed class RelayLink : IDisposable
{
    private readonly AdminConnection? _connection;
    private readonly string? _unusable;

    private RelayLink(NamedRelay relay, AdminConnection? connection, string? unusable) =>
        (Name, Address, _connection, _unusable) = (relay.Name, relay.Choice.Address, connection, unusable);

    public string Name { get; }

    public ServerAddress Address { get; }

    /// <param name="token">The operator's own; null: what the command line and this process's environment give.</param>
    public static RelayLink Open(NamedRelay relay, DashboardSettings settings, string? token)
    {
        var context = token is null ? settings.Context : settings.Context with { Variable = name => name == Credentials.TokenVariable ? token : null };
        var credentials = Credentials.Find(relay.Choice, context, TextWriter.Null, out var failure);
        return new RelayLink(relay, credentials is null ? null : new AdminConnection(relay.Choice.Address, credentials, settings.Timeout, context.Clock), failure?.Message);
    }

    /// <summary>One call with one answer.</summary>
    /// <exception cref="RelayProblem">There was none; its message is for the operator.</exception>
    public async Task<T> CallAsync<T>(Func<AdminConnection, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel)
    {
        try
        {
            return await call(Connection, Connection.WithDeadline(cancel));
        }
        catch (RpcException e) when (!cancel.IsCancellationRequested)
        {
            throw Problem(e);
        }
        catch (ObjectDisposedException)
        {
            throw new RelayProblem("You are logged out.", StatusCode.Cancelled);
        }
    }

    /// <summary>For a stream, which has no deadline.</summary>
    /// <exception cref="RelayProblem">The relay cannot be called with what is configured.</exception>
    public AdminConnection Connection => _connection ?? throw new RelayProblem(_unusable!, StatusCode.Unavailable);

    /// <summary>What went wrong, for an operator who has no command line before him.</summary>
    public RelayProblem Problem(RpcException exception)
    {
        var status = exception.Status;
        if (status.StatusCode == StatusCode.DeadlineExceeded)
        {
            return new RelayProblem($"The relay at {Address} did not answer within {Connection.Timeout.TotalSeconds:0.#} s. Whether the call took effect is not known.", status.StatusCode);
        }

        if (status.DebugException is { } cause)
        {
            return new RelayProblem(ConnectFailure.Describe(cause, Address), StatusCode.Unavailable);
        }

        var fields = exception.GetRpcStatus()?.GetDetail<BadRequest>()?.FieldViolations.Select(violation => $"{violation.Field}: {violation.Description}").ToArray() ?? [];
        var text = Printable.Clean(fields.Length > 0 ? string.Join("; ", fields) : status.Detail);
        return new RelayProblem(text.Length > 0 ? text : $"The relay refused without a reason ({status.StatusCode}).", status.StatusCode);
    }

    public void Dispose() => _connection?.Dispose();
}

/// <summary>Why a call has no answer; the message is for the operator.</summary>
internal sealed class RelayProblem(string message, StatusCode code) : Exception(message)
{
    public StatusCode Code => code;
}
