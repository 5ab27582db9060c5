// net.0: gather
  // Which input element goes to each output element, the last one first; -1 is padding.
  localparam logic [127:0] net_unit_index = {
      32'sd1, -32'sd1, 32'sd2, 32'sd0
  };
  hpq_gather #(
      .WIDTH    (5),
      .IN_LANES (3),
      .OUT_LANES(4),
      .PAD_VALUE(5'h1d),
      .INDEX    (net_unit_index)
  ) net_unit (
      .in_data  (x_out_data),
      .in_valid (x_out_valid),
      .in_ready (x_out_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );
