// net.0: matvec
  // Products of 3 rows share a DSP block.
  hpq_matvec #(
      .SIMD          (3),
      .PE            (5),
      .GROUPS        (1),
      .NEURON_FOLDS  (1),
      .SYNAPSE_FOLDS (1),
      .X_W           (4),
      .X_SIGNED      (1'b1),
      .W_W           (4),
      .W_SIGNED      (1'b1),
      .PACKED_ROWS   (3),
      .PACKED_FIELD  (9),
      .PACKED_SUM_W  (9),
      .PACKED_OFFSET (1'b1),
      .READ_REGISTER (1'b0),
      .STAGES        (2),
      .EVERY         (2),
      .SHIFT_REGISTER(1'b0),
      .CAST_REGISTERS(3'h0),
      .HAS_BIAS      (1'b1),
      .B_W           (5),
      .B_SIGNED      (1'b1),
      .ACC_W         (9),
      .PRODUCT_SHIFT (0),
      .BIAS_SHIFT    (2),
      .CLIP          ('0),
      .CAST_SHIFT    (3),
      .Y_W           (4),
      .Y_SIGNED      (1'b0),
      .ROUNDING      ("AP_RND"),
      .OVERFLOW      ("AP_SAT"),
      .WEIGHT_FILE   ("net_net_unit_weight.mem"),
      .WEIGHT_STYLE  ("distributed"),
      .BIAS_FILE     ("net_net_unit_bias.mem"),
      .BIAS_STYLE    ("distributed"),
      .BUFFER_STYLE  ("distributed")
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  (x_out_data),
      .in_valid (x_out_valid),
      .in_ready (x_out_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );

// ==== rtl/net_net_unit_bias.mem
0c8ea95

// ==== rtl/net_net_unit_weight.mem
befed98043aba04
