using Relay.AdminCli;

return await AdminCommand.RunAsync(args, CommandContext.OfThisProcess(), StandardStreams.Open());
